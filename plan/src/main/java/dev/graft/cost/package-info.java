/**
 * What a model costs: its parameters and FLOPs, and the seconds and bytes of each part of it on a
 * device of a cluster, forwards and backwards.
 */
package dev.graft.cost;
