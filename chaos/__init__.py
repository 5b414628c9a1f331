"""Everything is killed at random while profiles die and recover: was everybody told, once?"""
