//! Rules as they are asked for: who may write one, and which name it may have.

use super::Name;
use vmatrix_placement::{Policy, Preset};

/// Names of the presets, for people.
#[must_use]
pub fn preset_names() -> String {
    Preset::ALL.map(Preset::name).join(", ")
}

/// Whether a rule is one that everybody can name.
#[must_use]
pub fn is_preset(rule: &Policy) -> bool {
    Preset::ALL.iter().any(|preset| preset.policy() == *rule)
}

/// The preset as which a rule is named, in capitals or not, while it is another rule: who reads the name would be misled.
#[must_use]
pub fn misnamed(rule: &Policy) -> Option<Preset> {
    let name = Name::key_of(rule.name().trim());
    let preset = Preset::parse(&name)?;
    (preset.policy() != *rule).then_some(preset)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Policy {
        toml::from_str(&format!("name = \"{name}\"\ncap_ms = 90\n")).unwrap()
    }

    #[test]
    fn a_preset_written_out_is_that_preset_and_nothing_else_has_its_name() {
        for preset in Preset::ALL {
            let written: Policy = toml::from_str(&toml::to_string(&preset.policy()).unwrap()).unwrap();
            assert!(is_preset(&written) && misnamed(&written).is_none());
            for name in [
                preset.name().to_owned(),
                preset.name().to_uppercase(),
                format!(" {} ", preset.name()),
            ] {
                assert_eq!(misnamed(&named(&name)), Some(preset), "{name}");
                assert!(!is_preset(&named(&name)));
            }
        }
        assert_eq!(misnamed(&named("theſis")), Some(Preset::Thesis));
    }

    #[test]
    fn a_rule_with_a_name_of_its_own_is_no_preset() {
        for name in ["our cup", "thesis 2", "cap-66"] {
            assert!(misnamed(&named(name)).is_none() && !is_preset(&named(name)));
        }
    }
}
