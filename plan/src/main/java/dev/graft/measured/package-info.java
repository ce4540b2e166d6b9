/** Costs as a profile measured them on a machine, instead of from its data sheet. */
package dev.graft.measured;
