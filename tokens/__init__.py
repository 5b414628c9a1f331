"""Does it still work, and if not, why?"""
