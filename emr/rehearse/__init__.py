"""A deployment played on this machine: the real commands and job, an emulated AWS, Spark here instead of EMR Serverless."""
