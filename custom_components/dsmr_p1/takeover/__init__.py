"""Coming over from Home Assistant's own `dsmr`, and going back: its entities continue as ours."""
