"""What RudderStack maps to what, as data: each table can be laid beside the vendor's document line by line."""
