//! Models behind their providers' interfaces: what is asked is translated, sent, and put together from what
//! comes back.
