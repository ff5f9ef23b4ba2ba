//! Which of the sessions that wait may have the files they ask for.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::model::ids::SessionId;
use crate::model::lock::{Lock, LockTable, LockToken, Party};
use crate::model::scope::{Overlap, Scope, ScopeIndex, ScopeLanguage};
use crate::store::{Holder, QueueRow, StoreError};

/// A request that so many others were granted before is next: whoever asks for any of its files
/// waits behind it, so that none waits for ever.
const MOST_PASSED_BY: u64 = 32;

/// Who is in the way of a session, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockWait {
    /// The lock that is held; `None` when a session is in the way that is next, or that starts now.
    pub token: Option<LockToken>,
    /// Who holds it, or is to.
    pub holder: Party,
    /// The name of that task or person.
    pub name: String,
    /// A shortest path that is in both scopes; `None` when nobody can tell.
    pub witness: Option<String>,
    /// Whether it ends only when a person does something.
    pub rests: bool,
}

impl LockWait {
    /// In words.
    pub fn describe(&self) -> String {
        let path = self.witness.as_deref().unwrap_or("what may be the same");
        let (name, id) = (&self.name, self.holder.session_id());
        let id = id.map(|id| id.short()).filter(|id| id != name);
        let id = id.map_or(String::new(), |id| format!(" ({id})"));
        match (self.token, self.rests) {
            _ if self.holder.session_id().is_none() => {
                format!("waits for {path}, which {name} has claimed")
            }
            (None, _) => format!("waits for {path}: {name}{id} comes first"),
            (Some(_), false) => format!("waits for {path}, which {name}{id} holds"),
            (Some(_), true) => format!("waits for {path}, which {name}{id} holds until it lands"),
        }
    }
}

/// Who was in the way of a request, which stays so as long as that lock is what it was.
#[derive(Debug, Clone)]
struct Met {
    token: LockToken,
    holder: Party,
    scope: Scope,
    witness: Option<String>,
}

/// What earlier looks at the queue found, so that tasks that wait are not compared again each time.
#[derive(Debug, Default)]
pub struct Verdicts {
    met: HashMap<Request, Met>,
}

/// What is asked for, as it is stored, and the session from whose work it goes on.
type Request = (String, Option<SessionId>);

impl Verdicts {
    /// Forgets the locks that are held no more, or not as they were.
    fn sync(&mut self, table: &LockTable) {
        self.met.retain(|_, met| {
            let lock = table.get(met.token);
            lock.is_some_and(|lock| lock.scope == met.scope && lock.holder == met.holder)
        });
    }
}

/// Decides over the sessions of one look at the queue, in the order in which they are asked for.
pub struct Admission<'t> {
    table: &'t LockTable,
    /// Asked for when somebody is in the way.
    load: &'t dyn Fn() -> Result<HashMap<SessionId, Holder>, StoreError>,
    holders: OnceCell<HashMap<SessionId, Holder>>,
    /// What is given out by this decision, or kept for one that is next.
    taken: ScopeIndex<SessionId>,
    verdicts: &'t mut Verdicts,
    /// Tasks without a scope are many, and ask for the same.
    known: HashMap<Request, Rc<LockWait>>,
}

impl<'t> Admission<'t> {
    /// With the locks that are held now, and the sessions that hold them.
    pub fn new(
        table: &'t LockTable,
        load: &'t dyn Fn() -> Result<HashMap<SessionId, Holder>, StoreError>,
        verdicts: &'t mut Verdicts,
    ) -> Self {
        verdicts.sync(table);
        Self {
            table,
            load,
            verdicts,
            holders: OnceCell::new(),
            taken: ScopeIndex::new(),
            known: HashMap::new(),
        }
    }

    /// Whether the session may have the files that it asks for. It is decided once more when they
    /// are granted.
    pub fn may_take(&mut self, row: &QueueRow) -> Result<(), Rc<LockWait>> {
        if row.holds {
            return Ok(());
        }
        let key = (row.scope.clone(), row.goes_on_from);
        if let Some(wait) = self.known.get(&key) {
            return Err(Rc::clone(wait));
        }
        let Some(wait) = self
            .met_before(row, &key)
            .or_else(|| self.compare(row, &key))
        else {
            return Ok(());
        };
        if row.passed_by >= MOST_PASSED_BY && !wait.rests {
            self.take(row);
        }
        let wait = Rc::new(wait);
        self.known.insert(key, Rc::clone(&wait));
        Err(wait)
    }

    fn met_before(&self, row: &QueueRow, request: &Request) -> Option<LockWait> {
        let met = self.verdicts.met.get(request)?;
        let is_own = met.holder == Party::session(row.session);
        (!is_own).then(|| self.wait(Some(met.token), &met.holder, met.witness.clone()))
    }

    fn compare(&mut self, row: &QueueRow, request: &Request) -> Option<LockWait> {
        // What cannot be read is refused, with its reason, when it is to be granted.
        let scope = self.read(&row.scope)?;
        let wait = self.in_the_way(row, &scope)?;
        if let Some(lock) = wait.token.and_then(|token| self.table.get(token)) {
            let met = Met {
                token: lock.token,
                holder: lock.holder.clone(),
                scope: lock.scope.clone(),
                witness: wait.witness.clone(),
            };
            self.verdicts.met.insert(request.clone(), met);
        }
        Some(wait)
    }

    /// The session is given what it asks for.
    pub fn take(&mut self, row: &QueueRow) {
        if let Some(scope) = self.read(&row.scope).filter(|_| !row.holds) {
            self.taken.insert(row.session, scope);
        }
    }

    fn read(&self, scope: &str) -> Option<ScopeLanguage> {
        let scope = serde_json::from_str(scope).ok()?;
        self.table.language(&scope).ok()
    }

    fn in_the_way(&self, row: &QueueRow, scope: &ScopeLanguage) -> Option<LockWait> {
        let own = Party::session(row.session);
        let mut held = self.table.meetings(&own, scope);
        let held = held.find(|found| !self.is_passed_on(found.lock, row.goes_on_from));
        if let Some(found) = held {
            let witness = found.witness();
            return Some(self.wait(Some(found.lock.token), &found.lock.holder, witness));
        }
        let mut taken = self.taken.conflicts(scope);
        let (first, overlap) = taken.find(|(id, _)| **id != row.session)?;
        let witness = match overlap {
            Overlap::Witness(path) => Some(String::from_utf8_lossy(&path).into_owned()),
            Overlap::Disjoint | Overlap::Undecided => None,
        };
        Some(self.wait(None, &Party::session(*first), witness))
    }

    /// Its holder is done, and the session goes on from its work.
    fn is_passed_on(&self, lock: &Lock, goes_on_from: Option<SessionId>) -> bool {
        goes_on_from.is_some_and(|before| lock.holder == Party::session(before))
    }

    /// That their names cannot be read changes nothing about who holds what.
    fn holders(&self) -> &HashMap<SessionId, Holder> {
        self.holders.get_or_init(|| {
            (self.load)().unwrap_or_else(|error| {
                tracing::warn!(%error, "who holds files is told by ids only");
                HashMap::new()
            })
        })
    }

    fn wait(&self, token: Option<LockToken>, holder: &Party, witness: Option<String>) -> LockWait {
        let known = holder.session_id().and_then(|id| self.holders().get(&id));
        LockWait {
            token,
            holder: holder.clone(),
            name: holder.named(known.map(|one| one.name.as_str())),
            witness,
            rests: known.map_or(token.is_some(), |one| one.rests),
        }
    }
}
