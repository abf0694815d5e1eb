"""What it takes to run the pipeline on EMR Serverless."""
