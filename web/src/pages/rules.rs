//! The rule in a booking form: one that everybody can name, or one that is written out. Pure.

use super::{fields::Fields, form::Errors};
use vmatrix_placement::{Policy, Preset};

/// What stands in the form's list of rules for one that is written out.
const OWN_RULE: &str = "own";

/// What the box for a rule of one's own begins with: the default, so that one value can be changed.
const EXAMPLE: &str = "\
name = \"our rule\"
cap_ms = 180

[metric]
closeness = 1
mean = 0.1

[limits]
spread_ms = 90
";

/// What the form shows of rules.
pub(crate) struct Rules {
    pub(crate) presets: Vec<RuleChoice>,
    /// For organisers: whether it is picked, and its text.
    pub(crate) own: Option<(bool, String)>,
}

/// A rule that everybody can name.
pub(crate) struct RuleChoice {
    pub(crate) name: &'static str,
    pub(crate) words: String,
    pub(crate) source: &'static str,
    pub(crate) picked: bool,
}

impl Rules {
    /// With what was chosen before. `may_write`: whether a rule of one's own is offered.
    pub(crate) fn of(fields: &Fields, may_write: bool) -> Self {
        let picked = fields.one("policy");
        let own = may_write.then(|| {
            let text = fields.exact("rule");
            let text = if text.is_empty() { EXAMPLE } else { text };
            (picked == OWN_RULE, text.to_owned())
        });
        let wrote = own.as_ref().is_some_and(|(picked, _)| *picked);
        let picked = Preset::parse(picked).unwrap_or(Preset::Thesis);
        let choice = |preset: Preset| RuleChoice {
            name: preset.name(),
            words: preset.policy().words(),
            source: preset.source(),
            picked: preset == picked && !wrote,
        };
        Self {
            presets: Preset::ALL.into_iter().map(choice).collect(),
            own,
        }
    }
}

/// The preset that was picked, or the rule that was written; the thesis's if neither was asked for.
///
/// # Errors
/// At the list or at the box, with the line in which it is wrong.
pub(crate) fn policy(fields: &Fields, may_write: bool) -> Result<Policy, Errors> {
    match fields.one("policy") {
        "" => Ok(Policy::default()),
        OWN_RULE if may_write => toml::from_str(fields.exact("rule"))
            .map_err(|why| Errors::field("rule", refused(fields.exact("rule"), &why))),
        name => Preset::parse(name)
            .map(Preset::policy)
            .ok_or_else(|| Errors::field("policy", "choose a rule from the list")),
    }
}

/// What is wrong with a rule: in which line, at which field, and what.
fn refused(rule: &str, why: &toml::de::Error) -> String {
    let what = why.message();
    let Some(n) = line(rule, why) else {
        return what.to_owned();
    };
    let text = rule.lines().nth(n - 1).unwrap_or_default();
    match text.split_once('=') {
        Some((field, _)) if !what.contains(field.trim()) => format!("line {n}, {}: {what}", field.trim()),
        _ => format!("line {n}: {what}"),
    }
}

/// Where TOML is wrong, or where the field stands whose value is.
fn line(rule: &str, why: &toml::de::Error) -> Option<usize> {
    let whole = why.span().is_none_or(|span| span.len() >= rule.len());
    if !whole {
        let at = why.span()?.start;
        return Some(1 + rule.bytes().take(at).filter(|byte| *byte == b'\n').count());
    }
    let field = why.message().split([' ', ':']).next()?;
    let (table, key) = field.rsplit_once('.').unwrap_or(("", field));
    let mut within = "";
    for (n, text) in rule.lines().enumerate() {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix('[') {
            within = rest.split(']').next()?.trim();
            // A table that lacks something, and has no line for it.
            if table.is_empty() && within == key {
                return Some(n + 1);
            }
        } else if within == table && text.split('=').next()?.trim() == key && !key.is_empty() {
            return Some(n + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(rule: &str) -> Result<Policy, Errors> {
        policy(&Fields::new(&[("policy", OWN_RULE), ("rule", rule)]), true)
    }

    fn wrong(rule: &str) -> String {
        let errors = written(rule).unwrap_err();
        errors.at("rule").unwrap().to_owned()
    }

    #[test]
    fn the_thesis_stands_first_and_is_picked() {
        let rules = Rules::of(&Fields::default(), false);
        assert!(rules.presets[0].picked && rules.presets[0].name == "thesis" && rules.own.is_none());
        assert_eq!(rules.presets.iter().filter(|one| one.picked).count(), 1);
        assert_eq!(policy(&Fields::default(), false).unwrap(), Policy::default());
    }

    #[test]
    fn each_preset_of_the_list_is_taken() {
        for choice in Rules::of(&Fields::default(), false).presets {
            let fields = Fields::new(&[("policy", choice.name)]);
            assert_eq!(policy(&fields, false).unwrap().name(), choice.name);
            let picked: Vec<_> = Rules::of(&fields, true)
                .presets
                .into_iter()
                .filter(|one| one.picked)
                .map(|one| one.name)
                .collect();
            assert_eq!(picked, [choice.name]);
        }
    }

    #[test]
    fn a_rule_of_ones_own_is_read_and_its_text_is_kept() {
        let rule = "name = \"cup\"\r\ncap_ms = 120\r\n\r\n[metric]\r\nspread = 1\r\n";
        let read = written(rule).unwrap();
        assert_eq!((read.name(), read.cap().ms()), ("cup", 120.0));
        let fields = Fields::new(&[("policy", OWN_RULE), ("rule", rule)]);
        let rules = Rules::of(&fields, true);
        assert_eq!(rules.own, Some((true, rule.to_owned())));
        assert!(rules.presets.iter().all(|one| !one.picked));
    }

    #[test]
    fn the_example_is_a_rule() {
        assert_eq!(written(EXAMPLE).unwrap().name(), "our rule");
    }

    #[test]
    fn a_wrong_rule_is_told_its_line_and_its_field() {
        for (rule, line, field) in [
            ("name = \"x\"\ncap = 120\n", "line 2: ", "cap"),
            ("name = \"x\"\ncap_ms = \"far\"\n", "line 2: cap_ms ", "a number"),
            (
                "name = \"x\"\n[metric]\nmean = true\n",
                "line 3: metric.mean ",
                "a number",
            ),
            (
                "name = \"x\"\n\ncap_ms = 99999999\n",
                "line 3: cap_ms ",
                "99999999",
            ),
            (
                "name = \"x\"\n[metric]\nmean = -1\n[limits]\nmean_ms = 9\n",
                "line 3: ",
                "metric.mean",
            ),
            ("name = \"x\"\n[metric]\nmean = 0\n", "line 2: ", "metric"),
            ("cap_ms = 90\n", "", "name"),
            ("name = \"x\"\ncap_ms = \n", "line 2, cap_ms: ", ""),
        ] {
            let said = wrong(rule);
            assert!(said.starts_with(line) && said.contains(field), "{rule}: {said}");
        }
        assert!(wrong("").contains("name"));
    }

    #[test]
    fn a_clan_names_a_rule_and_writes_none() {
        let fields = Fields::new(&[("policy", OWN_RULE), ("rule", EXAMPLE)]);
        assert!(policy(&fields, false).unwrap_err().at("policy").is_some());
        assert!(policy(&Fields::new(&[("policy", "luck")]), true).is_err());
    }
}
