"""What several networks of one house share: how they err, how one signs in there."""
