/**
 * The part of Jinja 2 that chat templates are written in, with the settings and additions of
 * transformers.
 */
package dev.graft.template;
