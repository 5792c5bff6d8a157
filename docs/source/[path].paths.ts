/** The pages of the source files and folders that the documentation links to. */
import { sourcePages } from '../.vitepress/repository.ts';

export default {
  paths: () => sourcePages().map(({ path, text }) => ({ params: { path }, content: text })),
};
