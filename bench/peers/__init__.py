"""What a user would run instead of the job: hand-written workers that make the same files from the same corpus."""
