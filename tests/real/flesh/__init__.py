"""Four anomalies of the corpus, told twice: by the simulator and by real processes on loopback."""
