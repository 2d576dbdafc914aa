"""HTTP and WebSockets: the vendor's API, the queue's endpoint, the lab plane, and the loop that serves them."""
