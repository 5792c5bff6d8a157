/** Light, dark, or what the system says. */
import { on, one } from './dom.ts';

const NEXT: Readonly<Record<string, string>> = { '': 'dark', dark: 'light', light: '' };
const KEY = 'p2pfk-theme';

export function theme(): void {
  showTheme();
  on('click', '#theme', () => {
    const chosen = NEXT[document.documentElement.dataset.theme ?? ''] ?? '';
    if (chosen === '') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
    try {
      localStorage.setItem(KEY, chosen);
    } catch {
      // A file that is opened from disk may have no storage: then the choice lasts as long as the page.
    }
    showTheme();
  });
}

/** Again, where the button was replaced. */
export function showTheme(): void {
  const button = one('#theme');
  if (button !== null) button.textContent = `Theme: ${document.documentElement.dataset.theme || 'system'}`;
}
