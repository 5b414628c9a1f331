"""What do we look after?"""
