"""What is to be known of each model: of what data, under what licence, what for, how often it errs, and where."""
