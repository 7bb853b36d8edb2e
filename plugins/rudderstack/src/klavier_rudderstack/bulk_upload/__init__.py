"""RudderStack's destination *Klaviyo Bulk Upload*: rows of reverse ETL become profiles by bulk import."""
