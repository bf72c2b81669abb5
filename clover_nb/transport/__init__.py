"""The only way to the network: HTTP, retries, the rate limit, and Clover's errors."""
