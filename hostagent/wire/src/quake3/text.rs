//! Text that comes from and goes to a game.

/// A text that would be read as something else by the game's console.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "character {at} is {found:?}: only printable ASCII without \" ; \\ % and without // and /* is possible"
)]
pub struct UnsafeText {
    /// Position, counted in characters from 1.
    pub at: usize,
    /// What stands there.
    pub found: char,
}

/// Whether the game's console takes this text as one value: printable ASCII without `"`, `;`, `\` and `%`, and
/// without the comments `//` and `/*`.
///
/// # Errors
/// Names the first character that is not possible.
pub fn rcon_safe(text: &str) -> Result<&str, UnsafeText> {
    let mut before = ' ';
    for (at, found) in text.chars().enumerate() {
        let forbidden = !matches!(found, ' '..='~') || matches!(found, '"' | ';' | '\\' | '%');
        if forbidden || (before == '/' && matches!(found, '/' | '*')) {
            return Err(UnsafeText { at: at + 1, found });
        }
        before = found;
    }
    Ok(text)
}

/// The value of a cvar in what the console printed when asked by the cvar's name alone.
#[must_use]
pub fn cvar_in<'a>(printed: &'a str, name: &str) -> Option<&'a str> {
    for (at, _) in printed.match_indices("\" is:\"") {
        let asked = printed.get(..at)?.rsplit('"').next()?;
        if asked.eq_ignore_ascii_case(name) {
            let value = printed.get(at + 6..)?.split('"').next()?;
            return Some(value.strip_suffix("^7").unwrap_or(value));
        }
    }
    None
}

/// Bytes as the game shows them: line feeds kept, all else outside printable ASCII a full stop.
pub(super) fn shown(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| {
            if matches!(byte, b' '..=b'~' | b'\n') {
                char::from(*byte)
            } else {
                '.'
            }
        })
        .collect()
}

/// One word for a packet: what would end or escape it is left out.
pub(super) fn word(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_graphic() && !matches!(c, '\\' | '"' | ';' | '%'))
        .take(128)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn console_text_that_ends_a_value_is_refused_with_its_place() {
        assert_eq!(
            rcon_safe("Wolves vs. Bears (final)"),
            Ok("Wolves vs. Bears (final)")
        );
        assert_eq!(rcon_safe("a;quit"), Err(UnsafeText { at: 2, found: ';' }));
        for text in ["\"", "\\", "%", "é", "\n", "\u{7f}", "a//b", "a/*b"] {
            assert!(rcon_safe(text).is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn a_cvar_is_read_from_what_the_console_printed() {
        let printed = "\"mapname\" is:\"oa_dm1^7\"\n\"vmx_frame\" is:\"17^7\", the default\n";
        assert_eq!(cvar_in(printed, "vmx_frame"), Some("17"));
        assert_eq!(cvar_in(printed, "MapName"), Some("oa_dm1"));
        assert_eq!(cvar_in(printed, "frame"), None);
        assert_eq!(cvar_in("\"empty\" is:\"^7\"", "empty"), Some(""));
        assert_eq!(cvar_in("unknown command: vmx_frame", "vmx_frame"), None);
    }

    proptest! {
        #[test]
        fn no_console_output_panics(printed in ".{0,200}", name in ".{0,9}") {
            let _ = cvar_in(&printed, &name);
            let _ = rcon_safe(&printed);
        }

        #[test]
        fn what_is_safe_is_one_word_of_the_console(text in ".{0,60}") {
            if rcon_safe(&text).is_ok() {
                prop_assert!(!text.contains(['"', ';', '\\', '%', '\n', '\r', '\0']));
            }
        }
    }
}
