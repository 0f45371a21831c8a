//! Policies in TOML and in JSON: one that is taken is written and read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vmatrix_placement::Policy;

fuzz_target!(|text: &str| {
    let policies = [toml::from_str::<Policy>(text).ok(), serde_json::from_str(text).ok()];
    for policy in policies.into_iter().flatten() {
        let json = serde_json::to_string(&policy).expect("a policy can be written");
        assert_eq!(serde_json::from_str::<Policy>(&json).expect("and read"), policy);
        let _ = policy.words();
    }
});
