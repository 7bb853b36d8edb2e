"""RudderStack's mappings as data: each table can be compared with the vendor's document line by line."""
