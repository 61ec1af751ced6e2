"""What people ask the record, the journals and packets. Read, never write."""
