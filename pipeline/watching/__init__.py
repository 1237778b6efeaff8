"""What `watch` reads of trainings, where it shows it, and what it tells trackers. No stage knows of it."""
