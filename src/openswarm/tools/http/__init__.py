"""What `http_request` is made of: the allow list, the secrets, and the exchange itself."""
