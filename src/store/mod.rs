//! SQLite: events and their projections, one write path.
