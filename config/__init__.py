"""The roof: settings, addresses, the Celery application and what starts the processes."""
