"""What the archive job costs as a stream, measured on an emulated Kinesis."""
