//! `todo.read` and `todo.write`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Answer, How, Tool, card};
use crate::agent::place::Place;
use crate::agent::registry::Entry;
use crate::agent::world::{TodoItem, World};
use crate::model::tool::{Capability, Card, SideEffect, Subject, ToolError, ToolId};

const READ: ToolId = ToolId::fixed("todo.read");
const MOST: usize = 100;
const LONGEST: usize = 500;

/// Nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::agent) struct Nothing {}

/// The whole list.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::agent) struct Items {
    /// In the order in which they are to be done.
    #[schemars(length(max = 100))]
    items: Vec<TodoItem>,
}

/// A call that reads.
#[derive(Debug)]
pub(in crate::agent) struct TodoRead;

/// A call that writes.
#[derive(Debug)]
pub(in crate::agent) struct TodoWrite(Items);

impl Tool for TodoRead {
    type Args = Nothing;
    type Output = Items;

    fn card() -> Card {
        card(
            READ,
            "Reads your own list of what is to do in this session.",
            &[Capability::TodoRead],
        )
    }

    fn example() -> Value {
        json!({})
    }

    fn prepare(Nothing {}: Nothing, _: &Entry, _: &Place) -> Result<Self, ToolError> {
        Ok(Self)
    }

    fn subjects(&self) -> Vec<Subject> {
        Vec::new()
    }

    fn act(&self, world: &World, _: How<'_>) -> Result<Answer<Items>, ToolError> {
        Ok(answer(world.todo.items()))
    }
}

impl Tool for TodoWrite {
    type Args = Items;
    type Output = Items;

    fn card() -> Card {
        let card = card(
            TodoItem::WRITTEN_BY,
            "Writes your own list of what is to do in this session, all of it anew. Use it for work of \
             several steps, and keep the states of the items true.",
            &[Capability::TodoWrite],
        );
        Card {
            side_effect: SideEffect::Write,
            ..card
        }
    }

    fn example() -> Value {
        json!({ "items": [{ "text": "find where limits are read", "state": "in_progress" }] })
    }

    fn prepare(args: Items, entry: &Entry, _: &Place) -> Result<Self, ToolError> {
        if args.items.len() > MOST {
            return Err(entry.refuse("items", "there are more than 100"));
        }
        let sound = |item: &TodoItem| (1..=LONGEST).contains(&item.text.chars().count());
        match args.items.iter().position(|item| !sound(item)) {
            Some(at) => {
                let field = format!("items[{at}].text");
                Err(entry.refuse(&field, "1 to 500 characters are wanted"))
            }
            None => Ok(Self(args)),
        }
    }

    fn subjects(&self) -> Vec<Subject> {
        Vec::new()
    }

    fn act(&self, world: &World, how: How<'_>) -> Result<Answer<Items>, ToolError> {
        let items = self.0.items.clone();
        if !how.dry_run {
            world.todo.replace(items.clone());
        }
        Ok(answer(items))
    }
}

fn answer(items: Vec<TodoItem>) -> Answer<Items> {
    Answer::of(Items { items }, Vec::new())
}
