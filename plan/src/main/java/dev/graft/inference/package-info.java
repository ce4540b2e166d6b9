/**
 * What serving a model takes: which rank holds what under tensor parallelism, whether it fits, and
 * a roofline of prefill and decode.
 */
package dev.graft.inference;
