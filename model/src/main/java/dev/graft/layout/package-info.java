/**
 * Who holds what: the shares of tensor-parallel ranks, the slice of each weight that a rank holds,
 * and how ranks exchange what they computed.
 */
package dev.graft.layout;
