/** A model behind a bounded queue: one thread steps the engine, answers come out as events. */
package dev.graft.service;
