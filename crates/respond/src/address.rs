//! Addresses with their query: every filter is in the address, so that it can be shared.

/// Builds an address part by part; empty values are left out.
#[derive(Debug, Default, Clone)]
pub(crate) struct Address {
    path: String,
    pairs: Vec<(&'static str, String)>,
}

impl Address {
    /// Returns an address without a query.
    pub(crate) fn of(path: impl Into<String>) -> Self {
        Self { path: path.into(), pairs: Vec::new() }
    }

    /// Sets a value; an empty one removes it.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl std::fmt::Display) -> Self {
        let value = value.to_string();
        self.pairs.retain(|(own, _)| *own != name);
        if !value.is_empty() {
            self.pairs.push((name, value));
        }
        self
    }

    /// Sets a value if there is one.
    #[must_use]
    pub(crate) fn maybe(self, name: &'static str, value: Option<impl std::fmt::Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Returns the query without its question mark.
    pub(crate) fn query(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.pairs).finish()
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let query = self.query();
        let mark = if query.is_empty() { "" } else { "?" };
        write!(f, "{}{mark}{query}", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_and_empty_ones_left_out() {
        let address = Address::of("/search")
            .with("q", "src_ip:10.0.0.0/8 \"a&b\"")
            .with("from", "")
            .maybe("to", None::<String>)
            .with("page", 2);
        assert_eq!(address.to_string(), "/search?q=src_ip%3A10.0.0.0%2F8+%22a%26b%22&page=2");
        assert_eq!(Address::of("/alerts").to_string(), "/alerts");
    }
}
