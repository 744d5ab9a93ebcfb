"""The desks: one per paper and per question. A command is a page of orchestration; the thinking is in the rules."""
