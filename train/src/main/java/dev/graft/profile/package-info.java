/** What the pieces of a recipe's training step take on this machine. */
package dev.graft.profile;
