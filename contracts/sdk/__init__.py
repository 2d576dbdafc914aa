"""The consumer loops that the vendor publishes, each as a client of which all but the loop is the reference client."""
