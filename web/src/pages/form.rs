//! What a form says about what was entered: each error at its field, the values kept.

use super::error::PageError;
use crate::{actions::ActionError, domain::Refusal};
use std::fmt::Write as _;

/// What is wrong with a form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Errors {
    fields: Vec<FieldError>,
    general: Option<String>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldError {
    field: String,
    /// As people say the field, where its name does not tell.
    label: Option<String>,
    text: String,
}

impl FieldError {
    /// What is wrong there, and what would be right. Secrets and what is not there are not said.
    fn new(field: &str, value: &str, expected: &str) -> Self {
        let text = if value.is_empty() || value.starts_with('(') {
            expected.to_owned()
        } else {
            format!("not “{value}” but {expected}")
        };
        Self {
            field: field.to_owned(),
            label: None,
            text,
        }
    }

    /// Which field.
    pub(crate) fn field(&self) -> &str {
        &self.field
    }

    /// For the list on top of the form.
    pub(crate) fn sentence(&self) -> String {
        let label = self.label.clone().unwrap_or_else(|| label(&self.field));
        format!("{label}: {}", self.text)
    }
}

impl Errors {
    /// One field.
    pub(crate) fn field(field: &str, expected: impl AsRef<str>) -> Self {
        Self::value(field, "", expected)
    }

    /// One field, with what it held.
    pub(crate) fn value(field: &str, value: &str, expected: impl AsRef<str>) -> Self {
        Self {
            fields: vec![FieldError::new(field, value, expected.as_ref())],
            general: None,
        }
    }

    /// Not about one field.
    pub(crate) fn general(text: impl Into<String>) -> Self {
        Self {
            fields: Vec::new(),
            general: Some(text.into()),
        }
    }

    /// What an action refused. What is not about the request is for an error page.
    ///
    /// # Errors
    /// `NotFound` and the store's errors, as a page.
    pub(crate) fn of(error: ActionError) -> Result<Self, PageError> {
        match error {
            ActionError::Invalid(refusals) => Ok(Self::from(refusals)),
            ActionError::Full(refusal) => Ok(Self {
                fields: vec![refusal.into()],
                general: None,
            }),
            ActionError::Conflict(text) | ActionError::Forbidden(text) => Ok(Self::general(text)),
            other => Err(other.into()),
        }
    }

    /// The same, where the form calls a field something else than the action. `to` for all that begin with `from`.
    pub(crate) fn renamed(mut self, from: &str, to: &str) -> Self {
        for error in &mut self.fields {
            if error.field.starts_with(from) {
                to.clone_into(&mut error.field);
            }
        }
        self
    }

    /// The same, where a field is called something that its name does not tell.
    pub(crate) fn labelled(mut self, field: &str, label: &str) -> Self {
        for error in self.fields.iter_mut().filter(|error| error.field == field) {
            error.label = Some(label.to_owned());
        }
        self
    }

    /// The same without what is about these fields.
    pub(crate) fn without(mut self, fields: &[String]) -> Self {
        self.fields.retain(|error| !fields.contains(&error.field));
        self
    }

    /// Both.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.fields.extend(other.fields);
        self.general = self.general.or(other.general);
        self
    }

    /// Nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.general.is_none()
    }

    /// The first error of a field.
    pub(crate) fn at(&self, field: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|error| error.field == field)
            .map(|error| error.text.as_str())
    }

    /// All that are about fields.
    pub(crate) fn fields(&self) -> &[FieldError] {
        &self.fields
    }

    /// What stands above the form.
    pub(crate) fn heading(&self) -> &str {
        self.general
            .as_deref()
            .unwrap_or("This cannot be taken as it is:")
    }

    /// Attributes of an input that tie it to its hint and its error. The names are ours: nothing to escape.
    pub(crate) fn attributes(&self, field: &str, hint: &str) -> String {
        let wrong = self.at(field).is_some();
        let mut out = String::new();
        if wrong {
            out.push_str("aria-invalid=\"true\" ");
        }
        let ids = [(!hint.is_empty(), "hint"), (wrong, "error")];
        let ids: Vec<_> = ids
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, end)| format!("{field}-{end}"))
            .collect();
        if !ids.is_empty() {
            let _ = write!(out, "aria-describedby=\"{}\" ", ids.join(" "));
        }
        out
    }
}

impl From<Refusal> for FieldError {
    fn from(refusal: Refusal) -> Self {
        Self::new(&refusal.field, &refusal.value, &refusal.expected)
    }
}

impl From<Vec<Refusal>> for Errors {
    fn from(refusals: Vec<Refusal>) -> Self {
        Self {
            fields: refusals.into_iter().map(FieldError::from).collect(),
            general: None,
        }
    }
}

/// `length_minutes` as people say it.
fn label(field: &str) -> String {
    let known = match field {
        "home" => "Home clan",
        "away" => "The other clan",
        "home_players" => "Home roster",
        "away_players" => "Away roster",
        "players" => "Roster",
        "user" => "Name",
        "new_password" => "New password",
        "zone" => "Time zone",
        "policy" => "The rule",
        "rule" => "Our rule",
        _ => "",
    };
    if !known.is_empty() {
        return known.to_owned();
    }
    let text = field.replace('_', " ");
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What a browser may fill in, by the field's name.
pub(crate) fn autocomplete(field: &str) -> &'static str {
    match field {
        "user" => "username",
        "password" => "current-password",
        "new_password" => "new-password",
        _ => "off",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_stands_at_its_field_and_in_the_list() {
        let errors = Errors::of(ActionError::invalid(
            "rosters[0].players",
            "",
            "at least one player",
        ));
        let errors = errors.unwrap().renamed("rosters[0]", "home_players");
        assert_eq!(errors.at("home_players"), Some("at least one player"));
        assert_eq!(errors.fields()[0].sentence(), "Home roster: at least one player");
        assert_eq!(
            errors.attributes("home_players", ""),
            "aria-invalid=\"true\" aria-describedby=\"home_players-error\" "
        );
    }

    #[test]
    fn what_was_entered_is_said_unless_it_is_a_secret() {
        let taken = Errors::of(ActionError::invalid("name", "wolves", "a free name")).unwrap();
        assert_eq!(taken.at("name"), Some("not “wolves” but a free name"));
        let short = Errors::of(ActionError::invalid("new_password", "(not shown)", "more")).unwrap();
        assert_eq!(short.at("new_password"), Some("more"));
    }

    #[test]
    fn a_field_without_error_or_hint_has_no_attributes() {
        assert_eq!(Errors::default().attributes("name", ""), "");
        assert_eq!(
            Errors::default().attributes("name", "x"),
            "aria-describedby=\"name-hint\" "
        );
    }

    #[test]
    fn what_is_not_found_is_a_page_and_not_a_form() {
        assert!(Errors::of(ActionError::not_found("match", "x")).is_err());
    }
}
