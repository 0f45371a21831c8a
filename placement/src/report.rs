//! A report: inputs, policy, engine and result in one file, which anybody can compute again.

use crate::choose::{check, choose_by, index_by};
use crate::doubt::{Doubt, doubts_by};
use crate::explain::{Reason, Verdict};
use crate::judge::Judge;
use crate::series::series_by;
use crate::{
    BadRequest, Choice, Help, HostAnswer, HostState, LineupRisk, Matrix, MeanUs, Policy, Preset, Series,
    Settle,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Name and version of what computes. Another version may say other things of the same inputs.
pub const ENGINE: &str = concat!("vmatrix-placement ", env!("CARGO_PKG_VERSION"));

/// All that a choice depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// The rule.
    pub policy: Policy,
    /// Who, where, and what was measured, microseconds.
    pub matrix: Matrix,
    /// What is known of the hosts beside; if absent all are free and without load.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<HostState>,
}

impl Inputs {
    fn states(&self) -> Vec<HostState> {
        if self.states.is_empty() {
            vec![HostState::free(); self.matrix.hosts().len()]
        } else {
            self.states.clone()
        }
    }
}

/// The result with its inputs, as it stands in JSON. What is called `…_ms` is in milliseconds to 0.001, all other times
/// are in whole microseconds.
#[derive(Debug, Serialize)]
pub struct Report {
    engine: &'static str,
    /// Name of the host; `null` if none is possible.
    pub chosen: Option<String>,
    closeness_ms: Option<f64>,
    /// Hosts that within the error could be as fair as the chosen one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    could_be_as_fair: Vec<String>,
    /// One line per host, in the order given.
    pub hosts: Vec<HostLine>,
    pareto: Vec<String>,
    alternatives: BTreeMap<&'static str, Option<String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    settle: Vec<Settle>,
    /// What would help if no host is possible.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub help: Vec<HelpLine>,
    series: Option<Series>,
    /// The rule in words.
    rule: String,
    inputs: Inputs,
}

/// A host in a report.
#[derive(Debug, Serialize)]
pub struct HostLine {
    host: String,
    verdict: Verdict,
    closeness_ms: Option<f64>,
    mean_ms: Option<f64>,
    max_ms: Option<f64>,
    spread_ms: Option<f64>,
    team_gap_ms: Option<f64>,
    /// As a sentence.
    pub reason: String,
    detail: Reason,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lineup_risks: Vec<LineupRisk>,
    /// By how much the closeness factor may be wrong, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    closeness_error_ms: Option<f64>,
    /// What is possible or impossible only by a value that may be on the other side of the cap: sentences.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    doubts: Vec<String>,
}

/// What would help, with its sentence.
#[derive(Debug, Serialize)]
pub struct HelpLine {
    /// As a sentence.
    pub sentence: String,
    #[serde(flatten)]
    help: Help,
}

/// A report that does not come out again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// No report.
    #[error("this is no report: {0}")]
    NoReport(#[from] serde_json::Error),
    /// Another engine made it.
    #[error("it was made by {theirs:?}; this is {ENGINE:?}")]
    Engine {
        /// Which.
        theirs: String,
    },
    /// Inputs that do not belong together.
    #[error("its inputs cannot be judged: {0}")]
    Inputs(#[from] BadRequest),
    /// Its bytes are not those that come out.
    #[error("byte {at} is not what its inputs give: …{theirs}… stands there, …{ours}… comes out")]
    Differs {
        /// The first one, from 0.
        at: usize,
        /// What stands there.
        theirs: String,
        /// What should.
        ours: String,
    },
}

impl Report {
    /// Chooses and tells.
    ///
    /// # Errors
    /// As [`choose()`](crate::choose()).
    pub fn of(inputs: Inputs) -> Result<Self, BadRequest> {
        let (policy, matrix, states) = (&inputs.policy, &inputs.matrix, inputs.states());
        check(policy, matrix, &states)?;
        let judge = Judge::new(policy, matrix, &states);
        let figures = judge.all_figures();
        let choice = choose_by(&judge, &figures);
        let name = |index: usize| choice.hosts.get(index).map(|host| host.name.clone());
        let alternative = |preset: Preset| {
            let policy = preset.policy();
            // A preset that needs sides has no answer where there are none.
            check(&policy, matrix, &states).ok()?;
            let other = Judge::new(&policy, matrix, &states);
            if policy.floor() == judge.policy.floor() {
                index_by(&other, &figures)
            } else {
                index_by(&other, &other.all_figures())
            }
        };
        let doubts = doubts_by(&judge, choice.chosen);
        let as_good = doubts.iter().enumerate().filter(|(_, doubt)| doubt.as_good);
        let could_be_as_fair = as_good.filter_map(|(index, _)| name(index)).collect();
        let alternatives = Preset::ALL.map(|preset| (preset.name(), alternative(preset).and_then(name)));
        Ok(Self {
            engine: ENGINE,
            chosen: choice.chosen().map(|host| host.name.clone()),
            closeness_ms: choice.chosen().and_then(|host| ms(host.closeness)),
            could_be_as_fair,
            pareto: choice.pareto.iter().copied().filter_map(name).collect(),
            alternatives: alternatives.into_iter().collect(),
            series: series_by(&judge, &figures, choice.chosen),
            rule: policy.words(),
            help: help(&choice),
            settle: choice.settle,
            hosts: choice
                .hosts
                .into_iter()
                .zip(&doubts)
                .map(|(host, doubt)| HostLine::of(host, doubt))
                .collect(),
            inputs,
        })
    }

    /// As bytes, with their digest as the last field: the BLAKE3 hash, in hexadecimal, of the same JSON without it.
    ///
    /// # Errors
    /// None that its types allow.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string(self)?;
        let digest = blake3::hash(text.as_bytes());
        text.pop();
        text.push_str(&format!(",\"digest\":\"{}\"}}", digest.to_hex()));
        Ok(text)
    }
}

/// Computes a report again from its inputs. Fine if the same bytes come out; a line end behind them does not count.
///
/// # Errors
/// What is wrong with it.
pub fn replay(report: &str) -> Result<(), ReplayError> {
    #[derive(Deserialize)]
    struct Given {
        engine: String,
        inputs: Inputs,
    }
    let theirs = report.trim_end_matches(['\r', '\n']);
    let given: Given = serde_json::from_str(theirs)?;
    if given.engine != ENGINE {
        return Err(ReplayError::Engine { theirs: given.engine });
    }
    let ours = Report::of(given.inputs)?.to_json()?;
    if theirs == ours {
        return Ok(());
    }
    let same = theirs
        .bytes()
        .zip(ours.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let near = |text: &str| {
        let end = (same + 24).min(text.len());
        String::from_utf8_lossy(
            text.as_bytes()
                .get(same.saturating_sub(24)..end)
                .unwrap_or_default(),
        )
        .into_owned()
    };
    Err(ReplayError::Differs {
        at: same,
        theirs: near(theirs),
        ours: near(&ours),
    })
}

fn help(choice: &Choice) -> Vec<HelpLine> {
    choice
        .help
        .iter()
        .map(|help| HelpLine {
            sentence: help.to_string(),
            help: help.clone(),
        })
        .collect()
}

/// To the nearest microsecond, so that it has three decimals.
fn ms(mean: Option<MeanUs>) -> Option<f64> {
    #[allow(clippy::cast_precision_loss, reason = "below a minute")]
    mean.map(|mean| mean.us() as f64 / 1000.0)
}

impl HostLine {
    fn of(answer: HostAnswer, doubt: &Doubt) -> Self {
        #[allow(clippy::cast_precision_loss, reason = "below a minute")]
        let error_ms = doubt.closeness_error_us.map(|us| us as f64 / 1000.0);
        Self {
            verdict: answer.verdict(),
            host: answer.name,
            closeness_ms: ms(answer.closeness),
            mean_ms: ms(answer.mean),
            max_ms: answer.max.map(crate::Micros::ms),
            spread_ms: answer.spread_us.map(|us| f64::from(us) / 1000.0),
            team_gap_ms: ms(answer.team_gap),
            reason: answer.reason.to_string(),
            detail: answer.reason,
            lineup_risks: answer.lineup_risks,
            closeness_error_ms: error_ms,
            doubts: doubt.at_cap.iter().map(ToString::to_string).collect(),
        }
    }
}
