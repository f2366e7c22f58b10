//! Whole journeys through identity, over both databases.
