//! What is shared by several sessions and has room for so many: groups of tasks, providers of models, and models. Of groups
//! it also counts how often their jobs start.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::dispatch::{Limits, Slot, Wait};
use crate::model::bucket::Bucket;
use crate::model::ids::PlanId;
use crate::model::limit::{Claim, GroupLimit};
use crate::store::{JobRow, QueueRow, SessionRow, Store, StoreError};

/// The limits of groups by name; a group without an entry has none.
pub type GroupLimits = BTreeMap<String, GroupLimit>;

/// How many jobs run at once that call models.
#[derive(Debug, Clone, Default)]
pub struct ModelLimits {
    /// The models that the settings name.
    pub models: BTreeMap<String, ModelLimit>,
    /// By provider.
    pub providers: BTreeMap<String, u32>,
    /// For a model that is named by its provider alone.
    pub others: u32,
    /// All of them together; `None` for no limit.
    pub together: Option<u32>,
}

/// A model, and how many jobs call it at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelLimit {
    /// Its provider, as the settings name it.
    pub provider: String,
    /// The model, as its provider names it.
    pub model: String,
    /// How many.
    pub max: u32,
}

impl ModelLimits {
    fn of(&self, name: &str) -> Option<ModelLimit> {
        let listed = self.models.get(name).cloned();
        listed.or_else(|| {
            let (provider, model) = name.split_once('/')?;
            Some(ModelLimit {
                provider: provider.to_owned(),
                model: model.to_owned(),
                max: self.others,
            })
        })
    }
}

/// What has room for so many at once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pool {
    /// A group of tasks.
    Group(String),
    /// A provider of models.
    Provider(String),
    /// A model: its provider, and what that calls it.
    Model(String, String),
    /// Models of one plan that work one after the other.
    Plan(PlanId),
    /// All models.
    Models,
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(name) => write!(f, "group {name}"),
            Self::Provider(name) => write!(f, "provider {name}"),
            Self::Model(provider, name) => write!(f, "model {provider}/{name}"),
            Self::Plan(_) => f.write_str("its plan, one model at a time,"),
            Self::Models => f.write_str("limits.max_concurrent_models"),
        }
    }
}

/// What a session's job takes a place of.
///
/// # Errors
/// What is stored of the session cannot be read.
pub fn claim(session: &SessionRow, job: &JobRow) -> Result<Claim, StoreError> {
    let model = job.command.model();
    Ok(Claim {
        group: session.spec()?.group,
        model: model.map(|model| model.model.clone()),
        alone: (model.and_then(|model| model.execution_mode))
            .filter(|mode| mode.is_one_at_a_time())
            .map(|_| session.plan_id),
    })
}

impl Limits {
    /// What a job takes a place of, and how many places each has; `None` for no end of them.
    fn pools(&self, claim: &Claim) -> Vec<(Pool, Option<u32>)> {
        let group = claim.group.iter().map(|name| {
            let max = self.groups.get(name).and_then(|limit| limit.max);
            (Pool::Group(name.clone()), max)
        });
        let model = claim.model.as_deref();
        let model = model.and_then(|name| self.models.of(name));
        let of_model = model.into_iter().flat_map(|model| {
            let most = self.models.providers.get(&model.provider).copied();
            let provider = (Pool::Provider(model.provider.clone()), most);
            let model = (Pool::Model(model.provider, model.model), Some(model.max));
            [provider, model]
        });
        let alone = claim.alone.map(|plan| (Pool::Plan(plan), Some(1)));
        let all = claim.model.as_ref();
        let all = all.map(|_| (Pool::Models, self.models.together));
        let pools = group.chain(of_model).chain(alone).chain(all);
        pools.collect()
    }
}

/// How full the buckets of the groups with a rate are.
pub type Buckets = BTreeMap<String, Bucket>;

/// The buckets of the groups in `queue`, from the starts that the store has on record.
pub fn buckets(
    store: &Store,
    limits: &GroupLimits,
    queue: &[QueueRow],
    now_ms: i64,
) -> Result<Buckets, StoreError> {
    let groups: BTreeSet<&str> = queue
        .iter()
        .filter_map(|row| row.claim.group.as_deref())
        .collect();
    let mut buckets = Buckets::new();
    for group in groups {
        let Some(rate) = limits.get(group).and_then(|limit| limit.rate) else {
            continue;
        };
        let pause_ms = Bucket::filled_after_ms(rate);
        let starts = store.recent_starts(group, now_ms, pause_ms, Bucket::LOOK_BACK)?;
        buckets.insert(group.to_owned(), Bucket::after(rate, &starts, now_ms));
    }
    Ok(buckets)
}

/// What is left of all that has room for so many, while slots are given out.
pub(super) struct Room<'a> {
    limits: &'a Limits,
    running: BTreeMap<Pool, u32>,
    buckets: Buckets,
    now_ms: i64,
}

impl<'a> Room<'a> {
    pub fn new(limits: &'a Limits, buckets: Buckets, slots: &[Slot], now_ms: i64) -> Self {
        let mut room = Self {
            limits,
            running: BTreeMap::new(),
            buckets,
            now_ms,
        };
        for slot in slots {
            for (pool, _) in limits.pools(&slot.claim) {
                *room.running.entry(pool).or_default() += 1;
            }
            // Its token is as good as taken: another one must not go for it as well.
            let bucket = slot.claim.group.as_ref();
            let bucket = bucket.and_then(|group| room.buckets.get_mut(group));
            if let Some(bucket) = bucket.filter(|_| slot.starting) {
                bucket.take(now_ms);
            }
        }
        room
    }

    /// Takes a place of everything, and a token of its group; or nothing.
    pub fn take(&mut self, claim: &Claim) -> Result<(), Wait> {
        let pools = self.limits.pools(claim);
        let is_full = |(pool, most): &&(Pool, Option<u32>)| {
            let running = self.running.get(pool).copied().unwrap_or(0);
            most.is_some_and(|most| running >= most)
        };
        if let Some((full, _)) = pools.iter().find(is_full) {
            return Err(Wait::Full(full.clone()));
        }
        if let Some(group) = &claim.group
            && let Some(bucket) = self.buckets.get_mut(group)
        {
            let next_ms = bucket.next_ms();
            if next_ms > self.now_ms {
                return Err(Wait::Rate {
                    group: group.clone(),
                    next_ms,
                });
            }
            bucket.take(self.now_ms);
        }
        for (pool, _) in pools {
            *self.running.entry(pool).or_default() += 1;
        }
        Ok(())
    }
}
