"""The practice networks, driven over real HTTP and SMTP as the product and a person do."""
