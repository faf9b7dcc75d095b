"""What the owner should know of a port: issues, and sensors of the line."""
