"""What a telegram is written with: references, units, values, times, and the clocks and countries behind them."""
