/** Files written so that what was saved before is not lost. */
package dev.graft.disk;
