//! How many models work at once, and on what.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::code::Code;

/// How roles and models are spread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ExecutionMode {
    /// One model plays all roles, one after the other.
    #[default]
    SingleModelMultiRole,
    /// Several models work side by side, within limits.
    MultiModelParallel,
    /// Policy and planning are work of their own, apart from the rest.
    SplitPolicyAndPlanning,
}

/// How much may go on side by side. Both are named, or nothing does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParallelLimits {
    /// How many instances of models.
    pub max_concurrent_instances: u32,
    /// How many pieces of work.
    pub max_concurrent_work_units: u32,
}

/// Why models may not work side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("MULTI_MODEL_PARALLEL is asked for, and {0}")]
pub struct Forbidden(&'static str);

impl Forbidden {
    /// The stable code.
    pub fn code(self) -> Code {
        Code::ParallelForbidden
    }
}

impl ExecutionMode {
    /// Whether models work one after the other.
    pub fn is_one_at_a_time(self) -> bool {
        self != Self::MultiModelParallel
    }

    /// How much may go on side by side in this mode, where policy allows as much as `limits`.
    ///
    /// # Errors
    /// `CX-MM-004`: it asks for what policy forbids.
    pub fn permitted(self, limits: Option<ParallelLimits>) -> Result<ParallelLimits, Forbidden> {
        const ONE: ParallelLimits = ParallelLimits {
            max_concurrent_instances: 1,
            max_concurrent_work_units: 1,
        };
        match (self, limits) {
            (Self::SingleModelMultiRole | Self::SplitPolicyAndPlanning, _) => Ok(ONE),
            (Self::MultiModelParallel, None) => Err(Forbidden("no limits are set for it")),
            (Self::MultiModelParallel, Some(limits))
                if limits.max_concurrent_instances < 2 || limits.max_concurrent_work_units < 2 =>
            {
                Err(Forbidden("its limits leave room for one alone"))
            }
            (Self::MultiModelParallel, Some(limits)) => Ok(limits),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_work_side_by_side_only_within_limits_that_are_set() {
        use ExecutionMode::*;
        let limits = |instances, units| {
            Some(ParallelLimits {
                max_concurrent_instances: instances,
                max_concurrent_work_units: units,
            })
        };
        let permitted = |mode: ExecutionMode, limits| {
            let found = mode.permitted(limits).map_err(Forbidden::code);
            found.map(|limits| limits.max_concurrent_instances)
        };
        let refused = Err(Code::ParallelForbidden);
        for (mode, limits, expected) in [
            (MultiModelParallel, None, refused),
            (MultiModelParallel, limits(1, 4), refused),
            (MultiModelParallel, limits(4, 1), refused),
            (MultiModelParallel, limits(4, 2), Ok(4)),
            (SingleModelMultiRole, limits(4, 2), Ok(1)),
            (SingleModelMultiRole, None, Ok(1)),
            (SplitPolicyAndPlanning, None, Ok(1)),
        ] {
            assert_eq!(permitted(mode, limits), expected, "{mode:?} {limits:?}");
        }
        let name = serde_json::to_value(SingleModelMultiRole).unwrap();
        assert_eq!(name, "SINGLE_MODEL_MULTI_ROLE");
    }
}
