//! How the registry of events is written.

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident = $id:literal { $($(#[$fdoc:meta])* $field:ident: $ty:ty),* $(,)? })*) => {
        /// What happened. Unknown types and unknown or missing fields are refused.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "event_type", content = "data", deny_unknown_fields)]
        pub enum Event {
            $(
                $(#[$doc])*
                #[serde(rename = $id)]
                $variant { $($(#[$fdoc])* $field: $ty),* },
            )*
        }

        impl Event {
            /// The stable type id.
            pub fn type_id(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $id),* }
            }

            /// Every type id, in the order of the registry.
            pub const TYPE_IDS: &[&str] = &[$($id),*];
        }
    };
}
