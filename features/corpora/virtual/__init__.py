"""The embedded corpus: synthetic speakers, spoken by eSpeak NG."""
