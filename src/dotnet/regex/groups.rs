//! The groups of a pattern: .NET counts those without a name first, the engine below in the order they stand.

/// The groups of a pattern, in the order they stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Groups {
    names: Vec<Option<String>>,
}

impl Groups {
    pub(super) fn push(&mut self, name: Option<String>) {
        self.names.push(name);
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().filter_map(Option::as_deref)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// The engine's number of a group, by its name or by .NET's number.
    pub(super) fn of(&self, name: &str) -> Option<usize> {
        match name.parse() {
            Ok(number) => self.numbered(number),
            Err(_) => self.names.iter().position(|known| known.as_deref() == Some(name)).map(|at| at + 1),
        }
    }

    /// The engine's number of the group that .NET counts so; 0 is the whole.
    pub(super) fn numbered(&self, number: usize) -> Option<usize> {
        let Some(counted) = number.checked_sub(1) else { return Some(0) };
        let places = self.names.iter().enumerate();
        let unnamed = places.clone().filter(|(_, name)| name.is_none());
        let named = places.filter(|(_, name)| name.is_some());
        unnamed.chain(named).nth(counted).map(|(at, _)| at + 1)
    }

    /// The group that .NET counts last; 0 where there is none.
    pub(super) fn last(&self) -> usize {
        self.numbered(self.names.len()).unwrap_or(0)
    }
}
