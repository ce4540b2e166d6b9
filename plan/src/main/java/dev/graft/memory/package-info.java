/** What a rank holds while it trains, and when. */
package dev.graft.memory;
