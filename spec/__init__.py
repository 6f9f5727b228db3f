"""The contract as data: OpenAPI documents, requirements, rulings, sources."""
