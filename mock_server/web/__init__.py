"""HTTP and WebSockets: the vendor's API, the message socket, the lab API, and the loop that serves them."""
